// Package link is the room of the links: one entity for each pair of topics, which owns the copies between them.
package link
