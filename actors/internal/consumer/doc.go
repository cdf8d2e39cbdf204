// Package consumer is the room of the named readers of the feed: how far each is, and who reads as it at the moment.
package consumer
