// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.run.RunConfig;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** The options of every command. */
@Command(versionProvider = StandardOptions.Version.class, sortOptions = false,
        usageHelpAutoWidth = true)
final class StandardOptions {
    private static final String NAME = "standard";

    @Option(names = {"-h", "--help"}, usageHelp = true, order = Options.LAST, description = "show this help")
    @SuppressWarnings("UnusedVariable") // picocli shows the help
    private boolean help;
    @Option(names = {"-V", "--version"}, versionHelp = true, order = Options.LAST, description = "show the version")
    @SuppressWarnings("UnusedVariable") // picocli shows the version
    private boolean version;
    @Option(names = "--verbose", order = Options.LAST,
            description = "show the stack trace of an error (also: ESLM_DEBUG=1)")
    private boolean verbose;

    @Option(names = {"-q", "--quiet"}, order = Options.LAST,
            description = "print results and errors only: no progress and no notes")
    private boolean quiet;
    @Option(names = Color.FLAG, paramLabel = "WHEN", order = Options.LAST,
            description = "colours in help, errors and bars: auto (on a terminal, unless NO_COLOR is set), always, or never")
    @SuppressWarnings("UnusedVariable") // Main has read it by then
    private Color color;

    static void addTo(CommandLine command) {
        command.addMixin(NAME, new StandardOptions());
    }

    static boolean wantsQuiet(CommandLine command) {
        return command.getMixins().get(NAME) instanceof StandardOptions options && options.quiet;
    }

    static boolean wantsVerbose(CommandLine command) {
        return command.getMixins().get(NAME) instanceof StandardOptions options && options.verbose;
    }

    static boolean wantsTrace(ParseResult parsed) {
        boolean asked = System.getenv("ESLM_DEBUG") != null;
        for (CommandLine command : parsed.asCommandLineList()) {
            asked |= wantsVerbose(command);
        }
        return asked;
    }

    /** The version of the program, of Java, and of the system. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"eslm " + RunConfig.version(),
                "Java " + Runtime.version() + ", " + System.getProperty("java.vm.name"),
                System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                        + Runtime.getRuntime().availableProcessors() + " cores"};
        }
    }
}
