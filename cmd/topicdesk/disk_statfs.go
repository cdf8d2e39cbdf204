//go:build linux || darwin

package main

import "syscall"

// freeOn is how many bytes the service may still write to the disk of a folder.
func freeOn(folder string) (free uint64, known bool, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, false, err
	}
	return s.Bavail * uint64(s.Bsize), true, nil // Bsize has another type on each system
}
