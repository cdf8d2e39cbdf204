package main

import (
	"context"
	"log/slog"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/tracing"
	"github.com/topicdesk/topicdesk/tracing/otlp"
)

// startTracing switches traces on where the settings do, and has the log name them. The tracer is nil where they are off.
func (a *App) startTracing(registry prometheus.Registerer) (*tracing.Tracer, func(context.Context) error, error) {
	to, on := a.Config.Tracing()
	if !on {
		return nil, func(context.Context) error { return nil }, nil
	}
	tracer, stop, err := otlp.Start(otlp.Options{Endpoint: to.Endpoint, Headers: to.Headers, Service: to.ServiceName,
		Resource: to.Resource, Sampler: to.Sampler, Share: to.Share, Version: version, Instance: owner(), Log: a.Log,
		Metrics: registry})
	if err != nil {
		return nil, nil, err
	}
	a.Log = slog.New(tracing.Handler(a.Log.Handler()))
	return tracer, func(ctx context.Context) error { stop(ctx); return nil }, nil
}

// owner names this process.
func owner() string {
	host, _ := os.Hostname()
	return host + "/" + strconv.Itoa(os.Getpid())
}
