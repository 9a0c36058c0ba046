// Package temporal is the functions of dates, times, timestamps and intervals.
//
// Values are integers, as types.Layout says: days, milliseconds of the day,
// microseconds since the epoch (with the nanoseconds beside them where the
// precision is over 6), months and milliseconds. A TIMESTAMP_LTZ is an instant;
// functions that look at its fields move it to the session's zone first (clock).
// Functions whose result depends on constants (a unit, a pattern, a zone) read
// them at bind time when they are known.
//
// Special syntax arrives as plain calls. A unit is a constant of kind
// types.Symbol holding its upper-case name: YEAR, QUARTER, MONTH, WEEK, DAY,
// HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND, NANOSECOND, DECADE, CENTURY,
// MILLENNIUM, and for EXTRACT also DOW, DOY, ISODOW, ISOYEAR, EPOCH. A SQL_TSI_
// prefix is accepted.
//
//	EXTRACT(unit FROM t)            EXTRACT(unit, t)
//	FLOOR(t TO unit)                FLOOR_TIME(t, unit)
//	CEIL(t TO unit)                 CEIL_TIME(t, unit)
//	TIMESTAMPADD(unit, n, t)        TIMESTAMPADD(unit, n, t)
//	TIMESTAMPDIFF(unit, a, b)       TIMESTAMPDIFF(unit, a, b)
//	t + interval, interval + t      TIME_PLUS(t, interval)
//	t - interval                    TIME_MINUS(t, interval)
//	(a - b) DAY                     TIME_DIFF(unit, a, b), an interval
//	i + j, i - j of one family      INTERVAL_PLUS(i, j), INTERVAL_MINUS(i, j)
//	i * n, n * i                    INTERVAL_TIMES(i, n)
//	i / n                           INTERVAL_DIVIDE(i, n)
//	-i                              INTERVAL_NEGATE(i)
//	(a, b) OVERLAPS (c, d)          OVERLAPS(a, b, c, d); b and d may be intervals
//	CURRENT_DATE, LOCALTIME, ...    a call without arguments
//
// All is the list. Start with clock in clock.go (the calendar), then units.go.
package temporal
