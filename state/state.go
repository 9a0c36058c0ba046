// Package state is what an operator remembers: rows found by key, with cells,
// byte values, lists, multisets and sorted rows hanging from them, and timers.
//
// An operator opens its tables in Open and never hears of checkpoints: a Store
// freezes every table of a task at a barrier and has them back as they were
// after a restore. Everything is called in batches, because the cost of state is
// waiting for memory: Upsert resolves the keys of a whole batch to row ids, then
// loops over the ids read and write cells in place.
//
// Two implementations stand behind these interfaces and pass one conformance
// suite (statetest): plain, on Go maps, the oracle; and arena, pages of bytes
// without Go pointers, which jobs run on. Start with Opener, then Table.
//
// One index carries everything a key has. A join's two sides, a group's cells
// and its DISTINCT sets hang from one row id, so a batch is probed once.
package state

import (
	"time"

	"github.com/millrace/millrace/batch"
	"github.com/millrace/millrace/types"
)

// Opener hands out an operator's state, bound to the operator's Identity.
// Opening a name twice gives the same thing.
type Opener interface {
	Table(Spec) (Table, error)
	Timers(name string, key []types.Type) (Timers, error)
}

// Identity decides what an edited query keeps: the fingerprint of the input
// relation, the operator's role in it, and its ordinal among equals.
type Identity struct {
	Relation, Role string
	Ordinal        int
}

// Column is a key or row column with the fingerprint of what it means (its
// expression or aggregate, and its type).
type Column struct {
	Type    types.Type
	Meaning string
}

// Spec describes a table.
type Spec struct {
	Name string
	Key  []Column // no columns: one row for all (a global aggregate)
	// Row are the fixed cells of each row. Fixed-width types are read and written
	// in place; types of LayoutBytes, LayoutList and LayoutStruct are kept as
	// bytes (Bytes, Put and Gather).
	Row       []Column
	Lists     []ListSpec
	Multisets [][]Column // each: the value's columns
	Sorted    []SortedSpec
	TTL       time.Duration // 0: for ever. Restarted by Upsert and Touch, not by Find
	Windowed  bool          // rows lie in slices: use Slice, Drop
	Local     bool          // not keyed by data: entries lie in the key group of the row's hash
}

// ListSpec is rows hanging from a key in arrival order, each with Cells mutable
// int64 beside it. With Inline the oldest row of a key lies with the key itself: for
// keys that have one row as a rule. Blocks don't tell whether a list is so.
type ListSpec struct {
	Row    []Column
	Cells  int
	Inline bool
}

// SortedSpec is rows hanging from a key, ordered by By (columns of Row), then by
// arrival.
type SortedSpec struct {
	Row []Column
	By  []batch.Order
	// Most is how many rows the operator leaves to a key, the first ones; 0: all. The
	// store doesn't cut them: it's for who compares queries.
	Most int
}

// Table finds rows by key. Row ids start at 1; 0 means absent. Ids are valid
// until the task's Release (after each Process, or each Flush with mini-batch):
// until then none is recycled, Delete only marks, and Upsert of a marked key
// gives the same id with fresh set. Only keys may be kept longer.
type Table interface {
	// Upsert finds or makes the row of each key: key k is row k of keys. ids and
	// fresh have one element per key; hashes come from batch.Hash. fresh says that
	// the row is new: its cells are zero and valid, its collections empty. A key
	// that occurs twice in the call is fresh the first time only.
	Upsert(keys []batch.Vector, hashes []uint64, ids []uint32, fresh []bool)
	// Find is Upsert without making rows: 0 where there is none.
	Find(keys []batch.Vector, hashes []uint64, ids []uint32)
	// Delete removes rows and what hangs from them.
	Delete(ids []uint32)
	// Move gives into's row everything that hangs from from's row (cells are
	// overwritten, collections appended) and deletes from: sessions merge so.
	Move(into, from uint32)
	// Len is the number of rows.
	Len() int
	// Each calls f for every row, by ascending id: in the order of arrival as long
	// as no row of the table was deleted. f must not make or delete rows.
	Each(f func(id uint32) bool)
	// Scan calls f with the ids of rows in t, at most batch.MaxRows at a time, until
	// every row was given: first those in memory, in the order of Each, t being the table
	// itself, then those on disk, some at a time. They stay there; t is then a table aside
	// that has copies of them. Ids and views are valid within the call, and f must not
	// change the table.
	Scan(f func(t Table, ids []uint32) error) error
	// ScanGroup is Scan for the rows of one key group (batch.KeyGroup), in any order.
	ScanGroup(group int, f func(t Table, ids []uint32) error) error
	// OnDisk is how many rows aren't in memory.
	OnDisk() int
	// Keys appends nothing: it writes the keys of ids to rows 0..len(ids)-1 of to.
	Keys(ids []uint32, to []batch.Vector)

	Cells
	Parts
}

// Cells are a row's fixed columns.
type Cells interface {
	// Touch must be called for rows before their cells are written in place: a
	// page that a running checkpoint still reads is copied first. Upsert, Put and
	// the collections do so themselves.
	Touch(ids []uint32)
	// I64, Hi and F64 address the cell of column col; valid until the next Upsert, Find
	// or Each: rows may come back from disk then.
	I64(col int) batch.Col[int64]
	Hi(col int) batch.Col[int64]
	F64(col int) batch.Col[float64]
	// Valid addresses the bit that says the cell isn't NULL.
	Valid(col int) batch.BitCol
	// Bytes reads a bytes column: a view valid until Release.
	Bytes(col int, id uint32) []byte
	// SetBytes copies b.
	SetBytes(col int, id uint32, b []byte)
	// Gather writes columns cols of rows ids to rows 0..len(ids)-1 of to; id 0
	// gives NULL. Strings are views, valid until Release.
	Gather(ids []uint32, cols []int, to []batch.Vector)
	// Put stores row sel[k] (k when sel is nil) of from in row ids[k], column by
	// column.
	Put(ids []uint32, sel []int32, cols []int, from []batch.Vector)
	// Replace is Put that also gives what it replaced. Row k of to is columns cols of
	// ids[k] as they were before row k, row len(ids)+k as they are after it; an id
	// that occurs twice is replaced twice. Strings are views, valid until Release.
	Replace(ids []uint32, sel []int32, cols []int, from, to []batch.Vector)
}

// Parts are the collections that hang from rows, by their index in the Spec, and
// the slices of a windowed table.
type Parts interface {
	List(i int) List
	Multiset(i int) Multiset
	Sorted(i int) Sorted
	// Slice is the table of one namespace (a window slice's end, in ms) of a
	// Windowed table, made when absent. Ids of different slices are unrelated.
	Slice(ns int64) Table
	// Slices are the namespaces that exist, ascending.
	Slices() []int64
	// Drop forgets a slice and gives its memory back at once.
	Drop(ns int64)
	// Aside is an empty table like a slice that is none: no checkpoint knows of it, and
	// its rows are never on disk. The next call of Aside empties it, whatever ids are known.
	Aside() Table
	// EndAside gives its memory back.
	EndAside()
}

// Entry is a row of a List or Sorted. 0 is none. Valid as long as a row id.
type Entry uint32

// List is rows hanging from a key in arrival order.
type List interface {
	// Append adds row k of rows to the list of ids[k] (0: skipped) and reports its
	// entry; cells are 0.
	Append(ids []uint32, rows *batch.Batch, entries []Entry)
	// Add is Append of one row of rows to the list of id.
	Add(id uint32, rows *batch.Batch, row int) Entry
	// Match lists all pairs (k, entry of ids[k]) in order, at most len(entries) a
	// call: it fills probe and entries, returns how many, and moves at; done when
	// 0 < len(entries) and n = 0.
	Match(ids []uint32, at *Cursor, probe []int32, entries []Entry) (n int)
	// Gather is Cells.Gather over entries: columns cols of the rows; entry 0 gives
	// NULL.
	Gather(entries []Entry, cols []int, to []batch.Vector)
	// Cell is cell i beside the row, for reading and writing.
	Cell(e Entry, i int) *int64
	// Remove unlinks the entry from the list of id; Gather and Cell still answer
	// for it until Release (not of one that is Inline).
	Remove(id uint32, e Entry)
	// RemoveEqual removes the oldest entry equal to the row in every column.
	RemoveEqual(id uint32, rows *batch.Batch, row int) (Entry, bool)
	// Update is for lists that are Inline: row by row, one that adds is added to the
	// list of ids[k] (0: skipped), with replace in the place of all that are there, and
	// gets the cells (nil: 0); one that takes away removes the only row there is, whatever
	// it is, or of several the oldest equal one.
	Update(ids []uint32, rows *batch.Batch, replace bool, cells []int64)
	// Count is the number of entries of id.
	Count(id uint32) int
}

// Cursor is where Match goes on; zero is the start.
type Cursor struct {
	Probe int
	Entry Entry
}

// Multiset is values with counts hanging from a key: DISTINCT, MIN and MAX under
// retraction.
type Multiset interface {
	// Add changes the count of value row of values by delta (negative counts are
	// kept: a retraction may come first) and returns the count after. A value whose
	// count is 0 is gone.
	Add(id uint32, values []batch.Vector, row int, delta int64) int64
	// Mark takes counts for sets of bits: it sets bits[k] in that of value row k of
	// values, for the row ids[k], and tells in fresh[k] which of them were not set
	// before. No bits: nothing happens. A set that is marked isn't added to.
	Mark(ids []uint32, values []batch.Vector, bits, fresh []uint64)
	// Count is the count of a value, 0 if absent.
	Count(id uint32, values []batch.Vector, row int) int64
	// First and Last append the least and greatest value with a positive count to
	// row n of to (batch.Compare order, NULL first); false when there is none.
	First(id uint32, to []batch.Vector, n int) bool
	Last(id uint32, to []batch.Vector, n int) bool
	// Each calls f for each value, ascending, with the value in row 0 of the
	// vectors and its count.
	Each(id uint32, f func(value []batch.Vector, count int64) bool)
	// Distinct is the number of values.
	Distinct(id uint32) int
	// Clear forgets all values of id.
	Clear(id uint32)
}

// Sorted is rows hanging from a key in the order of SortedSpec.By, then arrival.
// Ranks count from 0.
type Sorted interface {
	// Insert adds a row behind those it ties with, and returns its rank.
	Insert(id uint32, rows *batch.Batch, row int) (rank int)
	// Fetch says that the rows of ids are asked for next.
	Fetch(ids []uint32)
	// Among appends to sel the rows k that Top might take for ids[k]: it leaves out most
	// of those that sort behind most others.
	Among(ids []uint32, rows *batch.Batch, most int, sel []int32) []int32
	// Top is Insert that keeps most rows of id: in is the new row's entry, 0 when its
	// rank isn't below most and it wasn't stored, and out that of the row which had the
	// last rank, 0 when there was none. It and those behind it are removed.
	Top(id uint32, rows *batch.Batch, row, most int) (rank int, in, out Entry)
	// RemoveEqual removes the first row equal in every column and returns the rank
	// it had and its entry, 0 when there is none.
	RemoveEqual(id uint32, rows *batch.Batch, row int) (rank int, out Entry)
	// RemoveRange removes ranks from <= rank < to; Gather still answers for their entries
	// until Release.
	RemoveRange(id uint32, from, to int)
	// Range fills entries with the rows of ranks from, from+1, ... and returns how
	// many.
	Range(id uint32, from int, entries []Entry) int
	// Seek is the rank of the first row that sorts at or after the row (after it,
	// when after is set), comparing By alone.
	Seek(id uint32, rows *batch.Batch, row int, after bool) (rank int)
	Gather(entries []Entry, cols []int, to []batch.Vector)
	Count(id uint32) int
}

// Timers call back at times, in the order (time, arrival). Keys are rows of the
// key types given at opening; ns is a namespace of the operator's (a window's
// end), often 0. A timer is identified by all three: adding it twice is adding it
// once.
type Timers interface {
	Add(keys []batch.Vector, row int, ns, ms int64)
	// AddAll is Add of rows of keys, one after the other; hashes are those of keys
	// (batch.Hash).
	AddAll(keys []batch.Vector, hashes []uint64, rows []int32, ns, ms []int64)
	Delete(keys []batch.Vector, row int, ns, ms int64)
	// Fire removes each timer with time <= upTo and calls f with its key in row 0
	// of the vectors. f may add and delete timers; those due are fired in the same
	// call. It stops at an error.
	Fire(upTo int64, f func(key []batch.Vector, ns, ms int64) error) error
	// FireAll is Fire of some timers a call: f gets them in order, and is done with all
	// of them before any that it adds are fired.
	FireAll(upTo int64, f func(keys []batch.Vector, ns, ms []int64) error) error
	// Next is the earliest time, if any.
	Next() (ms int64, ok bool)
	Len() int
}

// Store is the task's side; operators never see it.
type Store interface {
	Open(Identity) Opener
	// Release ends the life of ids: deleted rows are recycled, cold ones may be
	// evicted.
	Release()
	// Freeze starts a new epoch, in microseconds. The Snapshot reads the old one
	// while rows flow on.
	Freeze(n uint64) (Snapshot, error)
	// Confirm says that checkpoint n exists; Abort that it doesn't: its dirty rows
	// count again.
	Confirm(n uint64)
	Abort(n uint64)
	// Restore loads blocks that a Snapshot wrote, before any Open: of each table and
	// key group the base, then its deltas in the order they were made. The caller
	// leaves out key groups that aren't the task's. Blocks are kept until their table
	// is opened, which fails when they don't fit.
	Restore(blocks func(yield func(Block) error) error) error
	// Usage is what each table holds, for the memory report.
	Usage() []Usage
	Close() error
}

// Snapshot is the content of an epoch.
type Snapshot interface {
	// Save hands over every block, once: one or more per table and key group that
	// holds anything, or, for a delta, those with changes since the checkpoint that was
	// the last one confirmed at Freeze; it may be laid over that one and over any frozen
	// since. It may run on another goroutine. The block's Data is f's until it
	// returns. With nothing confirmed a delta is everything, and its blocks say
	// so (Delta is false). Save may be called once, and not for every snapshot.
	Save(delta bool, f func(Block) error) error
	// Release gives up what the snapshot holds. It must be called, also after Save;
	// from any goroutine.
	Release()
}

// Options are what a task's store is made with.
type Options struct {
	Now func() int64 // the task's clock in ms, for TTL; nil: nothing expires
	// Evict renumbers every row and entry at Release and poisons what they were: a
	// test mode that catches those who keep ids or views.
	Evict bool
	// Spill is where rows go when memory is short; nil: nowhere.
	Spill *Spill
	// Wait is called by a snapshot's writer for as long as the task moves the state,
	// instead of blocking: where one goroutine runs at a time, it lets the task go
	// first. nil: the writer blocks.
	Wait func()
}

// Spill has a store keep on disk what it may not hold in memory.
type Spill struct {
	// Dir is the directory for files, which are gone from it as soon as they're open.
	Dir string
	// Keep is asked at Release how many bytes a store that holds held may hold.
	Keep func(held int64) int64
}

// Block is the content of one table or timer set in one key group, or its changes
// (block.go says how). Group rescales: a restore takes the groups its subtask
// owns.
type Block struct {
	Identity Identity
	Name     string
	Group    int
	Delta    bool
	More     bool   // it goes on with the block of its group before; rows of a base are in one of them
	Data     []byte // all of it, or, of one that lies apart, its first bytes
	Apart    *Apart // where its content lies that isn't in memory; nil: it is. See Whole
}

// Usage is the size of one table.
type Usage struct {
	Identity Identity
	Name     string
	Keys     int
	Bytes    int64
	Expired  int64 // rows that were asked for after their time to live
}
