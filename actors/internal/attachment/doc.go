// Package attachment keeps files. Children of tickets download those of Telegram's messages; programs upload others.
package attachment
