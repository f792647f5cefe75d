package main

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func diff(t *testing.T, olds, news map[string]any) *pulumirpc.DiffResponse {
	t.Helper()
	o, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(olds), marshal)
	if err != nil {
		t.Fatal(err)
	}
	n, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(news), marshal)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&server{}).Diff(t.Context(), &pulumirpc.DiffRequest{OldInputs: o, News: n})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		what           string
		olds, news     map[string]any
		diffs, replace string
	}{
		{"same", map[string]any{"create": "a"}, map[string]any{"create": "a"}, "", ""},
		{"command", map[string]any{"create": "a"}, map[string]any{"create": "b"}, "create", ""},
		{"triggers replace", map[string]any{"triggers": []any{"1"}}, map[string]any{"triggers": []any{"2"}}, "triggers", "triggers"},
		{"triggers with update", map[string]any{"triggers": []any{"1"}, "update": "u"},
			map[string]any{"triggers": []any{"2"}, "update": "u"}, "triggers", ""},
	} {
		resp := diff(t, c.olds, c.news)
		if got := strings.Join(resp.GetDiffs(), ","); got != c.diffs {
			t.Errorf("%s: diffs %q, want %q", c.what, got, c.diffs)
		}
		if got := strings.Join(resp.GetReplaces(), ","); got != c.replace {
			t.Errorf("%s: replaces %q, want %q", c.what, got, c.replace)
		}
	}
}

func TestPerform(t *testing.T) {
	s := &server{ctx: t.Context()}
	in := resource.NewPropertyMapFromMap(map[string]any{"environment": map[string]any{"A": "b"}, "stdin": "in", "logging": "none"})
	out, err := s.perform("", in, resource.PropertyMap{"stdout": resource.NewStringProperty("before")},
		`echo "$A $(cat) $PULUMI_COMMAND_STDOUT"; echo err >&2`, false)
	if err != nil || text(out["stdout"]) != "b in before" || text(out["stderr"]) != "err" {
		t.Errorf("got %v, %v", out, err)
	}
	if _, err := s.perform("", in, nil, "echo why >&2; exit 3", false); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("a failure that does not say why: %v", err)
	}
	out, err = s.perform("", in, nil, "exit 3", true)
	if err != nil || !out["stdout"].IsComputed() {
		t.Errorf("a preview that ran or knows: %v, %v", out, err)
	}
}
