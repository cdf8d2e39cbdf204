package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/topicdesk/topicdesk/config"
)

func TestTracing(t *testing.T) {
	whole := config.Tracing{Endpoint: "https://otlp.topicdesk.test/v1/traces", Headers: map[string]string{"api-key": "a,b"},
		ServiceName: "our desk", Resource: map[string]string{"deployment.environment.name": "a test"},
		Sampler: "parentbased_traceidratio", Share: 0.01}
	usual := config.Tracing{Endpoint: "http://127.0.0.1:4318/v1/traces", Headers: map[string]string{}, ServiceName: "topicdesk",
		Resource: map[string]string{}, Sampler: "parentbased_always_on", Share: 1}
	for name, tt := range map[string]struct {
		vars vars
		want config.Tracing
	}{
		"nothing":    {nil, config.Tracing{}},
		"an address": {vars{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318/"}, usual},
		"an address for traces alone": {vars{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://other.topicdesk.test",
			"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, usual},
		"switched off":    {vars{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, config.Tracing{}},
		"none is sampled": {vars{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_SAMPLER": "always_off"}, config.Tracing{}},
		"everything": {vars{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.topicdesk.test", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%2Cb",
			"OTEL_SERVICE_NAME": "our desk", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=a%20test",
			"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}, whole},
	} {
		t.Run(name, func(t *testing.T) {
			got, on := load(t, tt.vars).Tracing()
			if diff := cmp.Diff(tt.want, got); diff != "" || on != (tt.want.Endpoint != "") {
				t.Error(on, diff)
			}
		})
	}
}
