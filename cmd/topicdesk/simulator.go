package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/simulator"
)

func simulatorCommand() *cobra.Command {
	var addr, state, token string
	var flood, lenient bool
	cmd := &cobra.Command{
		Use:   "simulator",
		Short: "Run only the Telegram simulator, for this bot or any other",
		Long: "Run only the Telegram simulator. Point a bot's Bot API address (for this service TELEGRAM_API_URL)\n" +
			"at it and give the bot the token that is printed. Then play the people on the simulator's page.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sim, err := simulator.New(simulator.Options{Token: token, StateFile: state, Flood: flood, Lenient: lenient})
			if err != nil {
				return err
			}
			if err := sim.Seed(); err != nil {
				return err
			}
			running, err := sim.Start(addr)
			if err != nil {
				return fmt.Errorf("can't listen on --addr %s: %w", addr, err)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "page     %s\nBot API  %s\ntoken    %s\n", running.URL, running.URL, sim.Token())
			<-cmd.Context().Done()
			return running.Stop()
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8081", "address of the page and the Bot API")
	cmd.Flags().StringVar(&state, "state", "", "file that keeps the state (default: the state is lost at the end)")
	cmd.Flags().StringVar(&token, "token", simulator.DefaultToken, "the bot's token")
	cmd.Flags().BoolVar(&flood, "flood", true, "flood control like Telegram's: 20 messages per minute in a group")
	cmd.Flags().BoolVar(&lenient, "lenient", false,
		"ignore unknown parameters, as Telegram does, instead of refusing them")
	return cmd
}
