// Package messages is the one language of bot, http and actors: the commands, replies, facts and operations that they
// send each other, as protobuf, and the small rules that both sides of a message must agree on, such as the form of
// ids and keys. It knows neither Telegram's API nor HTTP, nor how anything is stored.
package messages
