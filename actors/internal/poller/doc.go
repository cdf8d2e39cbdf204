// Package poller is the room of the entity that receives updates by getUpdates.
package poller
