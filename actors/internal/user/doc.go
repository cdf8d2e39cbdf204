// Package user is the room of the people: their names, language and default group, and what they do in their private
// chat.
package user
