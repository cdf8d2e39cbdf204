package main

// mostConnections is how many clients the API serves together where there are files enough.
const mostConnections = 10_000

// connections is how many connections each of our servers may have together.
type connections struct{ api, metrics, simulator int }

// connectionsOf shares out the files that the process may have open. Go has raised that limit as far as the system lets it
// at the start. A quarter at least is left for SQLite, attachments and calls to others, so that whoever opens connections
// stops nothing else.
func connectionsOf(files uint64) connections {
	of := func(share uint64, most int) int { return int(max(1, min(files/share, uint64(most)))) }
	return connections{api: of(2, mostConnections), metrics: of(16, 100), simulator: of(8, 500)}
}
