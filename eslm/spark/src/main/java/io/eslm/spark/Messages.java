// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.tensor.UserError;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * What tasks tell the driver while they run, over Spark's own connections. A message is an array of texts, so that no class loader is
 * in doubt. One listener hears them, one after the other.
 */
public final class Messages implements SparkPlugin {
    private static volatile Function<String[], String> listener = _ -> null;
    private static volatile PluginContext executor;

    /** On the driver: {@code hears} from now on, and answers those who {@link #ask}. */
    static void listen(Function<String[], String> hears) {
        listener = hears;
    }

    /** In a task: tells the driver, and does not wait. */
    static void send(String... message) {
        try {
            executor.send(message);
        } catch (Exception e) {
            throw new UserError("the driver cannot be reached: " + e.getMessage(), e);
        }
    }

    /** In a task: the driver's answer. */
    static String ask(String... message) {
        try {
            return (String) executor.ask(message);
        } catch (Exception e) {
            throw new UserError("the driver cannot be reached: " + e.getMessage(), e);
        }
    }

    @Override
    public DriverPlugin driverPlugin() {
        return new DriverPlugin() {
            @Override
            public Map<String, String> init(SparkContext context, PluginContext plugin) {
                return Map.of();
            }

            @Override
            public Object receive(Object message) {
                return listener.apply((String[]) message);
            }
        };
    }

    @Override
    public ExecutorPlugin executorPlugin() {
        return new ExecutorPlugin() {
            @Override
            public void init(PluginContext context, Map<String, String> extra) {
                executor = context;
            }
        };
    }
}
