// Package view is how programs see the desk: tickets, messages, files and links as the API shows them and as events
// carry them, and the events themselves. It makes them of the records that travel in messages; it knows neither HTTP
// nor storage.
package view

// APIPrefix begins the path of every operation of the API.
const APIPrefix = "/api/v1"
