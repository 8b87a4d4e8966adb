package telemetry

// NewLogTo is NewLog for a writer of the test's.
var NewLogTo = newLog
