package temporal

import "github.com/millrace/millrace/functions"

// All is every temporal function.
var All = []*functions.Scalar{
	CurrentDate, LocalTime, LocalTimestamp, CurrentTimestamp, CurrentRow, ProcTime, CurrentWatermark, Extract,
	field("YEAR", "YEAR").Shown("YEAR(DATE '2024-02-29') -> 2024"),
	field("QUARTER", "QUARTER").Shown("QUARTER(DATE '2024-02-29') -> 1"),
	field("MONTH", "MONTH").Shown("MONTH(DATE '2024-02-29') -> 2"),
	field("WEEK", "WEEK").Shown("WEEK(DATE '2024-02-29') -> 9"),
	field("DAYOFYEAR", "DOY").Shown("DAYOFYEAR(DATE '2024-02-29') -> 60"),
	field("DAYOFMONTH", "DAY").Shown("DAYOFMONTH(DATE '2024-02-29') -> 29"),
	field("DAYOFWEEK", "DOW").Shown("DAYOFWEEK(DATE '2024-02-29') -> 5"),
	field("HOUR", "HOUR").Shown("HOUR(TIMESTAMP '2024-02-29 12:34:56') -> 12"),
	field("MINUTE", "MINUTE").Shown("MINUTE(TIMESTAMP '2024-02-29 12:34:56') -> 34"),
	field("SECOND", "SECOND").Shown("SECOND(TIMESTAMP '2024-02-29 12:34:56') -> 56"),
	Floor, Ceil, Add, Diff, Plus, Minus, Between, Overlaps, IntervalPlus, IntervalMinus, IntervalNegate, IntervalTimes, IntervalDivide,
	DateFormat, FromUnixTime, UnixTimestamp, ToDate, ToTimestamp, ToTimestampLTZ, ConvertTZ,
}
