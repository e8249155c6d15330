// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.EslmCommand;
import io.eslm.cli.Main;
import io.eslm.spark.data.SparkEvalCommand;
import io.eslm.spark.data.SparkPrepareCommand;
import io.eslm.spark.data.SparkScoreCommand;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The program on Spark, for spark-submit and for bin/eslm: the commands that it can run there. */
public final class SparkMain {
    private SparkMain() {
    }

    /** The commands. Each is made for one call. */
    static List<EslmCommand> commands() {
        return List.of(new SparkTrainCommand(), new SparkCompareCommand(), new SparkPrepareCommand(),
                new SparkScoreCommand(), new SparkEvalCommand());
    }

    public static void main(String[] args) {
        if (!Boolean.getBoolean("SPARK_SUBMIT")) { // whose users have settings of their own
            System.getProperties().putIfAbsent("log4j2.configurationFile", "classpath:io/eslm/spark/log4j2.properties");
        }
        Console console = System.console();
        int code = Main.run(stream(FileDescriptor.out), stream(FileDescriptor.err),
                console != null && console.isTerminal(), commands(), args);
        if (code != 0) {
            System.exit(code);
        }
    }

    private static Writer stream(FileDescriptor descriptor) {
        return new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8);
    }
}
