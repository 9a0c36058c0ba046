package temporal

import "github.com/millrace/millrace/functions"

// All is every temporal function.
var All = []*functions.Scalar{
	CurrentDate, LocalTime, LocalTimestamp, CurrentTimestamp, CurrentRow, ProcTime, CurrentWatermark,
	Extract, field("YEAR", "YEAR"), field("QUARTER", "QUARTER"), field("MONTH", "MONTH"), field("WEEK", "WEEK"),
	field("DAYOFYEAR", "DOY"), field("DAYOFMONTH", "DAY"), field("DAYOFWEEK", "DOW"),
	field("HOUR", "HOUR"), field("MINUTE", "MINUTE"), field("SECOND", "SECOND"),
	Floor, Ceil, Add, Diff, Plus, Minus, Between, Overlaps,
	IntervalPlus, IntervalMinus, IntervalNegate, IntervalTimes, IntervalDivide,
	DateFormat, FromUnixTime, UnixTimestamp, ToDate, ToTimestamp, ToTimestampLTZ, ConvertTZ,
}
