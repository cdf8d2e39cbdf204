// Package sweep wakes the entities that owe something, at start and every minute.
package sweep
