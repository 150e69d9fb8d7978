// pulumi-resource-azuredevops, for machines that have Go modules but can't download the published plugin:
// microsoft/terraform-provider-azuredevops behind pulumi-terraform-bridge, as the published one is built, with the
// tokens of the Python SDK 3.16.2 (tokens.txt). The schema it reports is a stub: Python programs need none.
// `python -m tools.get_azuredevops` builds and caches it.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/microsoft/terraform-provider-azuredevops/azuredevops"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

const (
	pkg     = "azuredevops"
	version = "3.16.2" // what pulumi_azuredevops/pulumi-plugin.json asks for
)

// One token a line, taken from the installed SDK: azuredevops:index/git:Git
//
//go:embed tokens.txt
var sdkTokens string

// Where the SDK's name is not the Terraform name with its underscores dropped.
var renamed = map[string]string{
	"azuredevops_agent_pool":                  "pool",
	"azuredevops_agent_queue":                 "queue",
	"azuredevops_git_repository":              "git",
	"azuredevops_iteration_permissions":       "iterativepermissions",
	"azuredevops_serviceendpoint_azurecr":     "serviceendpointazureecr",
	"azuredevops_serviceendpoint_runpipeline": "serviceendpointpipeline",
	"azuredevops_user_entitlement":            "user",
}

var renamedData = map[string]string{
	"azuredevops_agent_pool":       "getpool",
	"azuredevops_agent_pools":      "getpools",
	"azuredevops_git_repositories": "getrepositories",
	"azuredevops_identity_user":    "getidentityusers",
}

func provider() (tfbridge.ProviderInfo, []string) {
	byName := map[string]string{}
	for _, t := range strings.Fields(sdkTokens) {
		byName[strings.ToLower(t[strings.LastIndex(t, ":")+1:])] = t
	}
	var notes []string
	find := func(tf, prefix string, over map[string]string) string {
		name := over[tf]
		if name == "" {
			name = prefix + strings.ReplaceAll(strings.TrimPrefix(tf, pkg+"_"), "_", "")
		}
		tok := byName[name]
		if tok == "" {
			notes = append(notes, "not in the SDK: "+tf+" ("+name+")")
		}
		delete(byName, name)
		return tok
	}

	p := shimv2.NewProvider(azuredevops.Provider())
	info := tfbridge.ProviderInfo{
		P: p, Name: pkg, Version: version, GitHubOrg: "microsoft",
		Config: map[string]*tfbridge.SchemaInfo{
			"org_service_url": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"AZDO_ORG_SERVICE_URL"}}},
		},
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	p.ResourcesMap().Range(func(tf string, _ shim.Resource) bool {
		if tok := find(tf, "", renamed); tok != "" {
			info.Resources[tf] = &tfbridge.ResourceInfo{Tok: tokens.Type(tok)}
		} else {
			info.IgnoreMappings = append(info.IgnoreMappings, tf)
		}
		return true
	})
	p.DataSourcesMap().Range(func(tf string, _ shim.Resource) bool {
		if tok := find(tf, "get", renamedData); tok != "" {
			info.DataSources[tf] = &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(tok)}
		}
		return true
	})
	for _, t := range byName {
		notes = append(notes, "not in Terraform: "+t)
	}
	info.SetAutonaming(255, "-")
	return info, notes
}

func main() {
	info, notes := provider()
	if len(os.Args) == 2 && os.Args[1] == "-check" {
		fmt.Println(len(info.Resources), "resources,", len(info.DataSources), "data sources")
		fmt.Println(strings.Join(notes, "\n"))
		return
	}
	schema, err := json.Marshal(map[string]any{"name": pkg, "version": version})
	if err != nil {
		panic(err)
	}
	tfbridge.Main(pkg, version, info, schema)
}
