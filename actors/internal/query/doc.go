// Package query is the pool of readers. They serve look-ups, lists and searches, and reads of entities that are not
// resident. They own nothing and write nothing.
package query
