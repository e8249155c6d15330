// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/** Hands over to JMH, whose own options follow. */
@Command(name = "jmh",
        description = "JMH: each kernel beside its scalar definition. All of JMH's options work, such as -h or -l.")
final class JmhBench implements Callable<Integer> {
    @Unmatched
    private String[] arguments = {};

    @Override
    public Integer call() throws IOException {
        org.openjdk.jmh.Main
                .main(Arrays.stream(arguments).map(a -> a.equals("--help") ? "-h" : a).toArray(String[]::new));
        return 0;
    }
}
