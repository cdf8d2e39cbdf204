// Package poller is the room of the one entity that asks Telegram for updates.
package poller
