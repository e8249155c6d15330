// SPDX-License-Identifier: Apache-2.0

/** Selective language modelling: the methods, runs and comparisons of them, and the program. */
module io.eslm {
    requires transitive io.eslm.gpt2;

    requires com.google.gson;
    requires transitive info.picocli;
    requires java.logging;
    requires java.management;
    requires transitive jdk.httpserver;
    requires static transitive jdk.jshell; // for the shell alone
    requires jdk.management;
    requires me.tongfei.progressbar;
    requires org.apache.commons.statistics.descriptive;
    requires org.apache.commons.statistics.distribution;
    requires org.apache.commons.statistics.inference;
    requires org.apache.commons.statistics.ranking;
    requires org.tomlj;

    exports io.eslm.cli;
    exports io.eslm.compare;
    exports io.eslm.diff;
    exports io.eslm.explain;
    exports io.eslm.inspect;
    exports io.eslm.report;
    exports io.eslm.run;
    exports io.eslm.select;
    exports io.eslm.select.instance;
    exports io.eslm.select.objective;
    exports io.eslm.select.token;
    exports io.eslm.serve;
    exports io.eslm.shell;
    exports io.eslm.task;
    exports io.eslm.web;

    uses io.eslm.select.MethodProvider;

    provides jdk.jshell.spi.ExecutionControlProvider with io.eslm.shell.ShellEngine;

    provides io.eslm.select.MethodProvider with io.eslm.select.objective.EslmMethods;

    opens io.eslm.cli to info.picocli;
}
