// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine;

/** What every command takes. */
@Command(mixinStandardHelpOptions = true, versionProvider = StandardOptions.Version.class, sortOptions = false,
        usageHelpAutoWidth = true)
final class StandardOptions {
    private static final String NAME = "standard";

    @Option(names = "--verbose", description = "show the stack trace of an error (also: ESLM_DEBUG=1)")
    private boolean verbose;

    static void addTo(CommandLine command) {
        command.addMixin(NAME, new StandardOptions());
    }

    static boolean wantsTrace(ParseResult parsed) {
        boolean asked = System.getenv("ESLM_DEBUG") != null;
        for (CommandLine command : parsed.asCommandLineList()) {
            asked |= command.getMixins().get(NAME) instanceof StandardOptions options && options.verbose;
        }
        return asked;
    }

    /** Of the program, and of what it runs on. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"eslm " + program(),
                "Java " + Runtime.version() + ", " + System.getProperty("java.vm.name"),
                System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                        + Runtime.getRuntime().availableProcessors() + " cores"};
        }

        static String program() {
            String version = Main.class.getPackage().getImplementationVersion();
            return version == null ? "(unpackaged)" : version;
        }
    }
}
