package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	httpedge "github.com/topicdesk/topicdesk/http"
)

// healthWithin is how long the service may take to answer: a little longer than its checks may.
const healthWithin = 4 * time.Second

func healthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running service whether it is ready; ends with 1 if not",
		Long: "Ask the service at HTTP_ADDR, on this machine or in this container, for /readyz. Ends with 0 if it is\n" +
			"ready, and else with 1 and a line that says what is not.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := loadSettings(ofService)
			if err != nil {
				return err
			}
			if err := askHealth(cmd.Context(), settings.HTTPAddr); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		},
	}
}

// askHealth returns nil if the service that listens at addr is ready.
func askHealth(ctx context.Context, addr string) error {
	state, err := askReady(ctx, addr, "")
	if err != nil || state.Status == "ok" {
		return err
	}
	var failed []string
	for name, result := range state.Checks {
		if result != "ok" {
			failed = append(failed, name)
		}
	}
	slices.Sort(failed)
	if len(failed) == 0 {
		return errors.New("not ready: the service is stopping")
	}
	return fmt.Errorf("not ready: %s; the service's log says why", strings.Join(failed, ", "))
}

// readiness is what a service says of itself.
type readiness struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
	Nodes  []httpedge.Node   `json:"nodes"`
}

// askReady asks the service that listens at addr how it is.
func askReady(ctx context.Context, addr, query string) (state readiness, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return state, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // it listens on all interfaces
	}
	addr = net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz"+query, nil)
	if err != nil {
		return state, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: it is this machine
	res, err := client.Do(req)
	if err != nil {
		return state, fmt.Errorf("no service answers at %s (HTTP_ADDR): %w", addr, errors.Unwrap(err))
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&state); err != nil || state.Status == "" {
		return state, fmt.Errorf("what answers at %s (HTTP_ADDR) is no topicdesk: status %d", addr, res.StatusCode)
	}
	return state, nil
}
