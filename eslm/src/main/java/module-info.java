// SPDX-License-Identifier: Apache-2.0

/** The method, and the program around it. */
module io.eslm {
    requires transitive io.eslm.gpt2;

    requires com.google.gson;
    requires info.picocli;
    requires java.management;
    requires jdk.management;
    requires me.tongfei.progressbar;
    requires org.apache.commons.statistics.descriptive;
    requires org.apache.commons.statistics.inference;

    exports io.eslm.cli;
    exports io.eslm.report;
    exports io.eslm.select;

    opens io.eslm.cli to info.picocli;
}
