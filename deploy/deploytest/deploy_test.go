package deploytest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/prometheus/promql/parser"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// manifests are what kustomize makes of the folder, by kind and name. What a type does not have is refused.
func manifests(t *testing.T) map[string]any {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	for _, resource := range made.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object := map[string]any{
			"v1/Namespace": &corev1.Namespace{}, "v1/ConfigMap": &corev1.ConfigMap{}, "v1/Service": &corev1.Service{},
			"v1/ServiceAccount": &corev1.ServiceAccount{}, "apps/v1/StatefulSet": &appsv1.StatefulSet{},
			"policy/v1/PodDisruptionBudget":           &policyv1.PodDisruptionBudget{},
			"networking.k8s.io/v1/NetworkPolicy":      &networkingv1.NetworkPolicy{},
			"monitoring.coreos.com/v1/ServiceMonitor": &monitoringv1.ServiceMonitor{},
			"monitoring.coreos.com/v1/PrometheusRule": &monitoringv1.PrometheusRule{},
		}[resource.GetApiVersion()+"/"+resource.GetKind()]
		if object == nil {
			t.Fatalf("a %s %s is not checked", resource.GetApiVersion(), resource.GetKind())
		}
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			t.Errorf("%s %s: %v", resource.GetKind(), resource.GetName(), err)
		}
		all[resource.GetKind()+"/"+resource.GetName()] = object
	}
	return all
}

func one[T any](t *testing.T, all map[string]any, name string) T {
	t.Helper()
	for key, object := range all {
		if typed, ok := object.(T); ok && (name == "" || strings.HasSuffix(key, "/"+name)) {
			return typed
		}
	}
	t.Fatalf("there is no %T %s", *new(T), name)
	return *new(T)
}

// TestKubernetes: what kustomize makes has fields that Kubernetes knows, and its parts fit together.
func TestKubernetes(t *testing.T) {
	all := manifests(t)
	set := one[*appsv1.StatefulSet](t, all, "")
	pod := set.Spec.Template
	names := func(labels map[string]string) bool {
		return labels["app.kubernetes.io/name"] == "topicdesk" && len(labels) == 1
	}
	if !names(set.Spec.Selector.MatchLabels) || pod.Labels["app.kubernetes.io/name"] != "topicdesk" {
		t.Error("the set does not select its pods")
	}
	budget := one[*policyv1.PodDisruptionBudget](t, all, "")
	if !names(budget.Spec.Selector.MatchLabels) || budget.Spec.MaxUnavailable.IntValue() != 1 {
		t.Errorf("the budget: %+v", budget.Spec)
	}
	network := one[*networkingv1.NetworkPolicy](t, all, "")
	if !names(network.Spec.PodSelector.MatchLabels) || len(network.Spec.PolicyTypes) != 2 {
		t.Errorf("the policy: %+v", network.Spec)
	}
	nodes := one[*corev1.Service](t, all, set.Spec.ServiceName)
	if nodes.Spec.ClusterIP != "None" || !nodes.Spec.PublishNotReadyAddresses {
		t.Error("nodes can't reach each other before they are ready")
	}
	for _, service := range []*corev1.Service{nodes, one[*corev1.Service](t, all, "topicdesk")} {
		if !names(service.Spec.Selector) {
			t.Errorf("the service %s selects %v", service.Name, service.Spec.Selector)
		}
		for _, port := range service.Spec.Ports {
			if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal }) {
				t.Errorf("the service %s leads to the port %s, which no container has", service.Name, port.TargetPort.StrVal)
			}
		}
	}
	const drain, stop = 2, 9 // seconds; stop has drain in it
	source := sourceText(t)
	for _, said := range []string{fmt.Sprintf("const drainFor = %d * time.Second", drain), fmt.Sprintf("const stopWithin = %d * time.Second", stop)} {
		if !strings.Contains(source, said) {
			t.Errorf("cmd/topicdesk does not say %q", said)
		}
	}
	c := pod.Spec.Containers[0]
	if ready := c.ReadinessProbe; ready.PeriodSeconds*ready.FailureThreshold >= drain {
		t.Errorf("a node that drains is sent requests for %d s, and serves on for %d s", ready.PeriodSeconds*ready.FailureThreshold, drain)
	}
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil || c.Lifecycle.PreStop.Sleep.Seconds < 2*drain {
		t.Error("a pod that ends does not wait until nobody sends it anything")
	} else if grace := *pod.Spec.TerminationGracePeriodSeconds; grace < c.Lifecycle.PreStop.Sleep.Seconds+2*stop {
		t.Errorf("a pod has %d s to end", grace)
	}
	if *pod.Spec.SecurityContext.RunAsUser == 0 || !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation {
		t.Error("a pod may do too much")
	}
	if c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.StartupProbe == nil {
		t.Error("the probes")
	}
	if !c.Resources.Limits.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
		t.Error("a limit of CPU pauses a node; memory needs one")
	}
	monitor := one[*monitoringv1.ServiceMonitor](t, all, "")
	if !names(monitor.Spec.Selector.MatchLabels) || monitor.Spec.Endpoints[0].Port != "metrics" {
		t.Errorf("the monitor: %+v", monitor.Spec)
	}
}

// TestSettings: whatever deploy/ sets is a setting of the program, and no secret stands in it.
func TestSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	known := func(name string) bool {
		return bytes.Contains(page, []byte("| `"+name+"` |")) || strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "POD_")
	}
	secret := regexp.MustCompile(`TOKEN|PASSWORD|SECRET|SECRETS_KEY|DATABASE_URL|AWS_`)
	all := manifests(t)
	for _, env := range one[*appsv1.StatefulSet](t, all, "").Spec.Template.Spec.Containers[0].Env {
		if !known(env.Name) {
			t.Errorf("%s is no setting", env.Name)
		}
		if secret.MatchString(env.Name) && (env.Value != "" || env.ValueFrom.SecretKeyRef == nil) {
			t.Errorf("%s is not by reference to a secret", env.Name)
		}
	}
	for name := range one[*corev1.ConfigMap](t, all, "").Data {
		if !known(name) || secret.MatchString(name) {
			t.Errorf("%s is no setting, or a secret", name)
		}
	}
	for _, file := range []string{"compose.yaml", "compose.cluster.yaml"} {
		for _, service := range compose(t, file).Services {
			if !strings.HasPrefix(service.Name, "topicdesk") {
				continue
			}
			for name := range service.Environment {
				if !known(name) {
					t.Errorf("%s: %s is no setting", file, name)
				}
			}
		}
	}
}

// compose loads a file as docker compose does: by its schema, and refusing what refers to nothing.
func compose(t *testing.T, file string) *types.Project {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir() // beside it .env, which the tree has not
	folder := filepath.Join(root, "deploy")
	for name, content := range map[string][]byte{filepath.Join(folder, file): text, filepath.Join(root, ".env"): []byte("SECRETS_KEY=x\n")} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(folder, file)}, cli.WithWorkingDirectory(folder))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return project
}

// TestCompose: the files are valid, and the program that they start may do no more than it must.
func TestCompose(t *testing.T) {
	for file, nodes := range map[string]int{"compose.yaml": 1, "compose.cluster.yaml": 3} {
		project := compose(t, file)
		addrs := map[string]bool{}
		for _, service := range project.Services {
			if !strings.HasPrefix(service.Name, "topicdesk") {
				continue
			}
			if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || service.HealthCheck == nil {
				t.Errorf("%s: %s may do too much, or its health is not checked", file, service.Name)
			}
			if service.Restart != "always" && nodes > 1 {
				t.Errorf("%s: nobody starts %s again when it has fenced itself", file, service.Name)
			}
			if addr := service.Environment["CLUSTER_ADDR"]; addr != nil {
				if !strings.HasPrefix(*addr, service.Name+":") {
					t.Errorf("%s: %s is at %s", file, service.Name, *addr)
				}
				addrs[*addr] = true
			}
		}
		if nodes > 1 && len(addrs) != nodes {
			t.Errorf("%s has the nodes %v", file, addrs)
		}
		for _, service := range project.Services {
			for _, port := range service.Ports {
				if port.HostIP != "127.0.0.1" {
					t.Errorf("%s: %s is open to the network", file, service.Name)
				}
			}
		}
	}
}

// metricName is a name of ours in an expression.
var metricName = regexp.MustCompile(`topicdesk_[a-z_]+`)

// TestAlerts: each rule can be read by Prometheus, is about metrics that the program has, and is on the page.
func TestAlerts(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	source := sourceText(t)
	rules := 0
	p := parser.NewParser(parser.Options{})
	for _, group := range one[*monitoringv1.PrometheusRule](t, manifests(t), "").Spec.Groups {
		for _, rule := range group.Rules {
			rules++
			if _, err := p.ParseExpr(rule.Expr.String()); err != nil {
				t.Errorf("%s: %v", rule.Alert, err)
			}
			if rule.Annotations["summary"] == "" || rule.Labels["severity"] == "" {
				t.Errorf("%s says too little", rule.Alert)
			}
			if !bytes.Contains(page, []byte("`"+rule.Alert+"`")) {
				t.Errorf("docs/operations.md does not have %s", rule.Alert)
			}
			for _, name := range metricName.FindAllString(rule.Expr.String(), -1) {
				bare := strings.TrimSuffix(strings.TrimPrefix(name, "topicdesk_"), "_bucket")
				if !strings.Contains(source, `"`+bare+`"`) && !strings.Contains(source, `"topicdesk_`+bare+`"`) {
					t.Errorf("%s is about %s, which the program does not have", rule.Alert, name)
				}
			}
		}
	}
	if rules < 10 {
		t.Errorf("%d rules", rules)
	}
}

// sourceText is all Go source of the program.
func sourceText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"actors", "bot", "cmd", "http", "storage"} {
		err := filepath.WalkDir(filepath.Join("..", "..", folder), func(name string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
			_, err = io.Copy(&all, f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
