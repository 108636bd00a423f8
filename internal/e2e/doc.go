// Package e2e tests supd from outside: the two built programs, real children,
// private state and run directories. It knows nothing but flags, exit codes,
// JSON and the file layout.
//
// The services are witnesses: the test binary itself under another role (see
// witness_test.go), which writes down when it started and what was done to it,
// so that a test judges what happened and not what supd says.
package e2e
