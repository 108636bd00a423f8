// Package house has no code, only the test that holds the order of the house:
// imports go strictly downward, and what acts on a service is imported by the
// one package that may.
package house
