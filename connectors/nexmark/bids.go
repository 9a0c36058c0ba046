package nexmark

import (
	"math/bits"

	"github.com/millrace/millrace/batch"
)

// bids makes n bids from row i on; index is the first one's number, and those of
// one run lie between the same auctions and persons.
//
// There are no branches on what is drawn: of a choice both sides are, and the one
// that counts is taken by a mask. Where a draw would have been rejected, which
// happens once in some ten thousand bids, the bid is made again by the rules as
// they read (bid).
func (r *reader) bids(f []*batch.Vector, i, n int, index int64) {
	e0 := index + 2
	lastPerson, lastAuction := e0/cycle, e0/cycle*auctions+auctions-1
	if r.drawn || lastAuction < 100 || lastPerson < 999 {
		for k := range n {
			r.bid(f, i+k, index+int64(k))
		}
		return
	}
	const (
		nearAuctions = 111   // the last 100, itself and 10 to come
		nearPersons  = 1010  // the last 1000 and 10 to come
		cold         = 10000 // channels
		least        = 54    // bytes of padding
		lengths      = 28
	)
	hotAuction, hotBidder := uint64(lastAuction/100*100+1000), uint64(lastPerson/100*100+2001)
	minAuction, minBidder := uint64(lastAuction-100+1000), uint64(lastPerson-999+2000)
	auction, bidder, price := f[0].I64[i:i+n], f[1].I64[i:i+n], f[2].I64[i:i+n]
	channel, url, at, extra := f[3].Str[i:i+n], f[4].Str[i:i+n], f[5].I64[i:i+n], f[6].Str[i:i+n]
	names, urls := (*[cold + 4]batch.View)(channels.view), (*[cold + 4]batch.View)(addresses.view)
	var units [cycle]float64
	redo := uint64(0)
	for k := range n {
		d := seeded(e0 + int64(k))

		d = d.step()
		hot := -(uint64(d) >> 63) // all ones when the one bit drawn is set
		other := d.step()
		u := other.u31()
		again := ^hot & over(u, one/nearAuctions*nearAuctions)
		auction[k] = int64(hotAuction&hot | (minAuction+uint64(u%nearAuctions))&^hot)
		d = d&random(hot) | other&^random(hot)

		d = d.step()
		hot = -((uint64(d)>>62 | uint64(d)>>63) & 1)
		other = d.step()
		u = other.u31()
		again |= ^hot & over(u, one/nearPersons*nearPersons)
		bidder[k] = int64(hotBidder&hot | (minBidder+uint64(u%nearPersons))&^hot)
		d = d&random(hot) | other&^random(hot)

		units[k] = d.unit()

		d = d.step()
		hot = -(uint64(d) >> 63)
		d = d.step()
		u = d.u31()
		again |= ^hot & over(u, one/cold*cold)
		c := (cold+uint64(d)>>62)&hot | uint64(u%cold)&^hot
		channel[k], url[k] = names[c], urls[c]

		d = d.step()
		u = d.u31()
		again |= over(u, one/lengths*lengths)
		size := least + u%lengths
		d = d.step()
		u = d.u31()
		// the remainder by 2^20 - size: 2^20 is size modulo it
		bound := uint32(len(padding)) - size
		start := u&(1<<20-1) + u>>20*size
		if start >= bound {
			start -= bound
		}
		again |= over(u-start, one-bound+1)
		extra[k] = batch.NewView(int(start), int(size))
		at[k] = (r.base + int64(float64(e0+int64(k)-1)*r.delay)/1000) * 1000

		if again != 0 {
			redo |= 1 << k
		}
	}
	prices(units[:n], price)
	for ; redo != 0; redo &= redo - 1 {
		k := bits.TrailingZeros64(redo)
		r.bid(f, i+k, index+int64(k))
	}
}

// over is not 0 when u >= limit.
func over(u, limit uint32) uint64 { return (uint64(limit) - 1 - uint64(u)) >> 63 }

// bid makes one bid.
func (r *reader) bid(f []*batch.Vector, i int, index int64) {
	e := index + 2
	lastPerson, lastAuction := e/cycle, e/cycle*auctions+auctions-1
	rnd := seeded(e)
	auction := lastAuction / 100 * 100
	if rnd.int(2) == 0 {
		least := max(lastAuction-100, 0)
		auction = least + rnd.long(lastAuction-least+11)
	}
	bidder := lastPerson/100*100 + 1
	if rnd.int(4) == 0 {
		bidder = rnd.person(lastPerson)
	}
	f[0].I64[i] = auction + 1000
	f[1].I64[i] = bidder + 2000 // the suite adds 1000 twice
	f[2].I64[i] = rnd.price()
	var ch int32
	if rnd.int(2) > 0 {
		ch = 10000 + rnd.int(4)
	} else {
		ch = rnd.int(10000)
	}
	f[3].Str[i], f[4].Str[i] = channels.view[ch], addresses.view[ch]
	f[5].I64[i] = r.ts(index+1) * 1000
	r.extra(&rnd, f[6], i, 32, 100)
}
