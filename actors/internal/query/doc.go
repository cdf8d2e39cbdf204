// Package query is the pool of readers: lists, searches, and what is not resident. It owns nothing.
package query
