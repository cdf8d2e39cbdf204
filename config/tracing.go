package config

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// Tracing is where traces of OpenTelemetry go, and which.
type Tracing struct {
	Endpoint    string // the whole URL that spans are posted to
	Headers     map[string]string
	ServiceName string
	Resource    map[string]string // what is said of the process besides
	Sampler     string            // as OTEL_TRACES_SAMPLER
	Share       float64           // of traceidratio, from 0 to 1
}

// Tracing returns where traces go. It is not on where nothing is traced.
func (c Config) Tracing() (t Tracing, on bool) {
	t = Tracing{Endpoint: c.OTelTracesEndpoint, ServiceName: c.OTelServiceName, Sampler: c.OTelSampler, Share: 1}
	if t.Endpoint == "" && c.OTelEndpoint != "" {
		t.Endpoint = strings.TrimSuffix(c.OTelEndpoint, "/") + "/v1/traces"
	}
	if t.Endpoint == "" || c.OTelDisabled || c.OTelSampler == "always_off" {
		return Tracing{}, false
	}
	t.Headers, _ = pairs(strings.Split(c.OTelHeaders.Reveal(), ","))
	t.Resource, _ = pairs(c.OTelResource)
	if share, err := strconv.ParseFloat(c.OTelSamplerArg, 64); err == nil {
		t.Share = share
	}
	return t, true
}

func (m *mistakes) checkTracing(c *Config) {
	address := func(name, value string) {
		if m.set(name) && !webAddress(value) {
			m.refuse(name, "must be https://host or http://host:port, without user, question mark or #")
		}
	}
	address("OTEL_EXPORTER_OTLP_ENDPOINT", c.OTelEndpoint)
	address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.OTelTracesEndpoint)
	if _, err := pairs(strings.Split(c.OTelHeaders.Reveal(), ",")); err != nil && m.set("OTEL_EXPORTER_OTLP_HEADERS") {
		m.refuse("OTEL_EXPORTER_OTLP_HEADERS", "must be name=value with commas between them, and %%-escapes in values")
	}
	if _, err := pairs(c.OTelResource); err != nil && m.set("OTEL_RESOURCE_ATTRIBUTES") {
		m.refuse("OTEL_RESOURCE_ATTRIBUTES", "must be %s", m.settings["OTEL_RESOURCE_ATTRIBUTES"].allowed())
	}
	if share, err := strconv.ParseFloat(c.OTelSamplerArg, 64); m.set("OTEL_TRACES_SAMPLER_ARG") &&
		(err != nil || !(share >= 0 && share <= 1)) {
		m.refuse("OTEL_TRACES_SAMPLER_ARG", "must be %s", m.settings["OTEL_TRACES_SAMPLER_ARG"].allowed())
	}
}

// pairs reads name=value, with %-escapes in the value.
func pairs(of []string) (map[string]string, error) {
	all := map[string]string{}
	for _, pair := range of {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || name == "" || strings.ContainsAny(name, " \t:") || strings.ContainsAny(value, "\r\n") {
			return nil, errors.New("not name=value")
		}
		all[name] = value
	}
	return all, nil
}
