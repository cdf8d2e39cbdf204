// Package attachment keeps files: children of tickets bring those of Telegram, programs upload others.
package attachment
