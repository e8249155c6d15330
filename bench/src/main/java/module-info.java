// SPDX-License-Identifier: Apache-2.0

/** Micro-benchmarks, and side-by-side runs against peers. */
module io.eslm.bench {
    requires io.eslm;

    requires com.google.gson;
    requires info.picocli;
    requires java.management;
    requires java.net.http;
    requires jdk.management;
    requires jmh.core;
    requires org.apache.commons.statistics.descriptive;
    requires org.apache.commons.statistics.distribution;
    requires org.commonmark;
    requires org.commonmark.ext.gfm.tables;
    requires org.commonmark.ext.heading.anchor;
    requires org.jsoup;
}
