// SPDX-License-Identifier: Apache-2.0
package io.eslm.shell;

import java.util.Map;
import jdk.jshell.execution.LocalExecutionControl;
import jdk.jshell.execution.LocalExecutionControlProvider;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionEnv;

/**
 * Runs snippets in this JVM, so that its flags and its class path hold for them. A value of several lines, such as a matrix, begins
 * on a line of its own, so that its rows stand below each other.
 */
public final class ShellEngine extends LocalExecutionControlProvider {
    /** Finds it as a service. */
    public static final String NAME = "eslm";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public ExecutionControl createExecutionControl(ExecutionEnv env, Map<String, String> parameters) {
        return new LocalExecutionControl(ShellEngine.class.getClassLoader()) {
            @Override
            public String invoke(String className, String methodName)
                    throws RunException, InternalException, EngineTerminationException {
                return aligned(super.invoke(className, methodName));
            }

            @Override
            public String varValue(String className, String varName)
                    throws RunException, InternalException, EngineTerminationException {
                return aligned(super.varValue(className, varName));
            }
        };
    }

    /** {@code value}; if it has several lines, its first row begins a line, as the others do. */
    private static String aligned(String value) {
        int rows = Math.max(0, value.indexOf("[["));
        return value.indexOf('\n') < 0 ? value : value.substring(0, rows) + "\n" + value.substring(rows);
    }
}
