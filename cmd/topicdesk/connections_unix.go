//go:build linux || darwin

package main

import "syscall"

// openFilesLimit is how many files the process may have open together.
func openFilesLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	return limit.Cur
}
