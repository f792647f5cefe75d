package main

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadOptions(t *testing.T) {
	if o := readOptions(&pulumirpc.ProgramInfo{}); !o.typescript || o.packagemanager != "npm" || len(o.nodeargs) != 0 {
		t.Errorf("defaults: %+v", o)
	}
	given, err := structpb.NewStruct(map[string]any{"typescript": false, "nodeargs": "--a  --b=c", "packagemanager": ""})
	if err != nil {
		t.Fatal(err)
	}
	o := readOptions(&pulumirpc.ProgramInfo{Options: given})
	if o.typescript || o.packagemanager != "npm" || len(o.nodeargs) != 2 || o.nodeargs[1] != "--b=c" {
		t.Errorf("given: %+v", o)
	}
}

func TestEntryPointIsLookedForUpwards(t *testing.T) {
	top := t.TempDir()
	script := filepath.Join(top, "node_modules", "@pulumi", "pulumi", "cmd", "run", "index.js")
	write(t, script, "")
	write(t, filepath.Join(top, "a", "b", "index.js"), "")
	if p, err := entryPoint(filepath.Join(top, "a", "b"), "run"); err != nil || p != script {
		t.Errorf("got %q, %v", p, err)
	}
	if _, err := entryPoint(filepath.Join(top, "a"), "run-plugin"); err == nil {
		t.Error("found a script that is not there")
	}
}

func TestRequiredPackages(t *testing.T) {
	top := t.TempDir()
	pkg := func(name, text string) { write(t, filepath.Join(top, "node_modules", name, "package.json"), text) }
	pkg("@pulumi/openstack", `{"name":"@pulumi/openstack","version":"3.15.2","pulumi":{"resource":true,"name":"openstack"}}`)
	pkg("@pulumi/command", `{"name":"@pulumi/command","version":"v1.2.1","pulumi":{"resource":true}}`)
	pkg("yaml", `{"name":"yaml","version":"2.0.0"}`)
	pkg(".hidden", `{"name":"hidden","version":"1.0.0","pulumi":{"resource":true}}`)
	resp, err := (&host{}).GetRequiredPackages(t.Context(), &pulumirpc.GetRequiredPackagesRequest{
		Info: &pulumirpc.ProgramInfo{ProgramDirectory: top},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for _, p := range resp.GetPackages() {
		got += p.GetName() + "@" + p.GetVersion() + " "
	}
	if got != "command@v1.2.1 openstack@v3.15.2 " {
		t.Errorf("got %q", got)
	}
}
