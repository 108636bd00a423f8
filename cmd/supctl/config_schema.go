package main

import (
	"github.com/spf13/cobra"

	"github.com/supd/supd/configs"
)

// configSchemaCommand declares `config schema`. The answer is JSON whatever -o says.
func (a *app) configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "The JSON Schema of the config", Args: cobra.NoArgs,
		Long: `The JSON Schema (draft 2020-12) of a config file, for editors that complete and
check TOML. A config with the first line "#:schema PATH" is checked while it is
typed. Names that do not exist and keys that contradict each other are found by
"supctl config check". Asks no daemon.`,
		Example: "  supctl config schema > supd.schema.json",
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(configs.Schema())
			return err
		},
	}
}
