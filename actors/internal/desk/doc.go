// Package desk is what several rooms use: names that are stored, conversions between messages and records, and
// functions on records. It knows no entity, and has no state but Aliases.
package desk
