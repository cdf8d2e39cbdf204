package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// startSimulator starts the built-in simulator, whose state is kept in DATA_DIR. Its page can move the desk's clock forward, which no
// other desk has: what the desk does after hours can be seen in a minute.
func (a *App) startSimulator() (*simulator.Server, *simulator.Running, error) {
	stateFile := filepath.Join(a.Config.DataDir, "simulator.jsonl")
	a.clock = simulator.NewClock()
	sim, err := simulator.New(simulator.Options{StateFile: stateFile, Flood: true, Site: a.Config.Address(), Clock: a.clock,
		Connections: connectionsOf(openFilesLimit()).simulator, Log: a.Log})
	if err != nil {
		return nil, nil, err
	}
	if err := sim.Seed("/" + messages.VerbDefaultGroup); err != nil {
		return nil, nil, errors.Join(err, sim.Close())
	}
	running, err := startPage(sim, a.Config)
	if err != nil {
		return nil, nil, errors.Join(err, sim.Close())
	}
	return sim, running, nil
}

// sweepMoved is how often the desk looks for what is due where somebody may move the clock.
const sweepMoved = 10 * time.Second

// now is the desk's clock, and afterFunc are its timers; nil: the real ones.
func (a *App) now() func() time.Time {
	if a.clock == nil {
		return nil
	}
	return a.clock.Now
}

func (a *App) afterFunc() func(time.Duration, func()) *time.Timer {
	if a.clock == nil {
		return nil
	}
	return a.clock.AfterFunc
}

// elapsed is how much time has passed, without what the clock was moved over: a desk whose clock is moved was not down.
func (a *App) elapsed() func(time.Time) time.Duration {
	if a.clock == nil {
		return nil
	}
	return a.clock.Elapsed
}

// portsTried is how many ports after HTTP_ADDR's are tried before the system chooses one.
const portsTried = 20

// startPage starts the simulator on SIMULATOR_PORT. If that is not set, it takes the next free port after HTTP_ADDR's.
func startPage(sim *simulator.Server, c config.Config) (*simulator.Running, error) {
	host, digits, err := net.SplitHostPort(c.HTTPAddr)
	if err != nil {
		return nil, fmt.Errorf("HTTP_ADDR: %w", err)
	}
	start := func(port int) (*simulator.Running, error) {
		return sim.Start(net.JoinHostPort(host, strconv.Itoa(port)))
	}
	if c.SimulatorPort != 0 {
		running, err := start(c.SimulatorPort)
		if err != nil {
			return nil, noPage(c.SimulatorPort, err)
		}
		return running, nil
	}
	if taken, err := strconv.Atoi(digits); err == nil && taken > 0 { // else HTTP_ADDR has any free port, too
		for port := taken + 1; port <= min(taken+portsTried, 65535); port++ {
			if running, err := start(port); err == nil {
				return running, nil
			}
		}
	}
	return start(0)
}

// noPage says that the simulator's page can't be at SIMULATOR_PORT.
func noPage(port int, err error) error {
	return fmt.Errorf("can't listen on SIMULATOR_PORT %d (choose another, or leave it empty for the next free one): %w", port, err)
}

// welcome tells whoever started the service what there is now, and how to stop it.
func welcome(out io.Writer, c config.Config, httpAddr, simulatorURL string) {
	if host, port, err := net.SplitHostPort(httpAddr); err == nil && net.ParseIP(host).IsUnspecified() {
		httpAddr = net.JoinHostPort("localhost", port) // no browser opens 0.0.0.0
	}
	address := "http://" + httpAddr
	title, kept := "Topicdesk is running.", ""
	if simulatorURL != "" {
		title = "Topicdesk is running, with a simulator in place of Telegram (TELEGRAM_BOT_TOKEN is not set)."
		kept = " (the next run continues from " + c.DataDir + ")"
	}
	fmt.Fprintf(out, "\n  %s\n\n", title)
	line := func(label, text string) { fmt.Fprintf(out, "    %-19s%s\n", label, text) }
	if simulatorURL != "" {
		line("Play the people", simulatorURL)
	}
	line("API", address+"/api/v1")
	line("API documentation", address+"/swagger")
	line("Make an API key", os.Args[0]+" apikey create --name me --scopes admin")
	line("Stop", "Ctrl+C"+kept)
	fmt.Fprintln(out)
}
