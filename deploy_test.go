package topicdesk_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	rulesFile  = "deploy/prometheus/topicdesk.rules.yaml"
	alertsFile = "deploy/kubernetes/monitoring/alerts.yaml"
	boardFile  = "deploy/grafana/topicdesk.json"
)

// TestAlertsForKubernetes: the rules have one source, which the one for Prometheus' operator is made of.
func TestAlertsForKubernetes(t *testing.T) {
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	_, groups, found := strings.Cut(string(rules), "\ngroups:\n")
	if !found {
		t.Fatal("there are no groups")
	}
	var b strings.Builder
	b.WriteString("# What somebody should look at, and when. Made of " + rulesFile + ": change that, and then\n" +
		"#   UPDATE_GOLDEN=1 go test . -run TestAlertsForKubernetes\n" +
		"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: topicdesk\nspec:\n  groups:\n")
	for line := range strings.Lines(groups) {
		b.WriteString("  " + line)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(alertsFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if alerts, err := os.ReadFile(alertsFile); err != nil || string(alerts) != b.String() {
		t.Errorf("%s is not what %s makes (%v)", alertsFile, rulesFile, err)
	}
}

// promtool runs Prometheus' tool, or skips the test.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is not here: Debian has it in prometheus")
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestRulesByPromtool(t *testing.T) {
	promtool(t, "check", "rules", "--lint-fatal", rulesFile)
	promtool(t, "test", "rules", "deploy/prometheus/topicdesk.rules_test.yaml")
}

// TestBoardByPromtool: Prometheus understands what the board's panels ask.
func TestBoardByPromtool(t *testing.T) {
	text, err := os.ReadFile(boardFile)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Type    string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var rows []string
	var rules strings.Builder
	rules.WriteString("groups:\n- name: board\n  rules:\n")
	ids, taken, n := map[int]bool{}, map[[2]int]string{}, 0
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s: the id %d is another panel's", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, is := taken[at]; is || at[0] >= 24 {
					t.Errorf("%s lies on %q, or beyond the edge", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
		} else if len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
		for _, target := range p.Targets {
			n++
			expr, _ := json.Marshal(strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
			fmt.Fprintf(&rules, "  - record: board:panel:%d\n    expr: %s\n", n, expr)
		}
	}
	if got := strings.Join(rows, ", "); got != "Is it well, Telegram, Tickets and sync, API, Webhooks, Storage, Nodes" {
		t.Errorf("the rows are %s", got)
	}
	file := filepath.Join(t.TempDir(), "board.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}
