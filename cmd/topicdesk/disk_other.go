//go:build !(linux || darwin)

package main

// freeOn can't tell on this system.
func freeOn(string) (free uint64, known bool, err error) { return 0, false, nil }
