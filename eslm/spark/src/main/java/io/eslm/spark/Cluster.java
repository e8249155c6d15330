// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.DeclaredOptions;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkContext$;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import scala.jdk.javaapi.OptionConverters;

/**
 * The Spark that a command works on. Settings come from spark-submit, or are system properties {@code spark.…} of the JVM; what is
 * not set gets what ESLM needs.
 */
public final class Cluster implements AutoCloseable {
    public static final Option<String> MASTER = Option.text("spark", "MASTER",
            "work on this Spark cluster: spark://HOST:PORT, yarn, k8s://…, or for a trial local-cluster[EXECUTORS,CORES,MB]")
            .must("be one of these", master -> master.matches("(?s)spark://.+|yarn|k8s://.+|local(-cluster)?(\\[.*])?"))
            .defaultsTo("that of spark-submit", _ -> null);

    private static final Pattern LOCAL_CLUSTER =
            Pattern.compile("local-cluster\\[\\s*(\\d+)\\s*,\\s*(\\d+)\\s*,\\s*(\\d+)\\s*]");
    private static final String EXECUTOR_CORES = "spark.executor.cores";
    private static final String EXECUTORS = "spark.executor.instances";
    private static final String TASK_CORES = "spark.task.cpus";
    private static final String DYNAMIC = "spark.dynamicAllocation.enabled";
    private static final String SPECULATION = "spark.speculation";
    /** Settings that change what users see, not what tasks do. */
    private static final String NO_MATTER = "spark\\.(app|ui)\\..*";
    /** What Spark takes where nothing is set, of what {@link #settings} sets. */
    private static final Map<String, String> USUAL = Map.of(DYNAMIC, "false", SPECULATION, "false", TASK_CORES, "1");

    private final SparkSession session;
    private final boolean ours;

    private Cluster(SparkSession session, boolean ours) {
        this.session = session;
        this.ours = ours;
    }

    /** The options that each command on Spark has. */
    public static List<Option<?>> options() {
        return List.of(MASTER);
    }

    /**
     * Settings for a job of {@code name}.
     *
     * @param wholeExecutors whether a task has an executor for itself, with all of its cores; otherwise each core takes tasks
     * @throws OptionError if the master is unknown, or no Spark for a local cluster is here
     */
    static SparkConf settings(String name, Optional<String> master, boolean wholeExecutors) {
        SparkConf conf = new SparkConf().setIfMissing("spark.app.name", "eslm " + name);
        master.ifPresent(conf::setMaster);
        if (!conf.contains("spark.master")) {
            throw new OptionError(MASTER, null, "must be given where spark-submit does not start the program");
        }
        Matcher local = LOCAL_CLUSTER.matcher(conf.get("spark.master"));
        if (local.matches()) {
            localCluster(conf, local);
        }
        conf.set("spark.plugins", Stream.of(conf.get("spark.plugins", ""), Messages.class.getName())
                .filter(text -> !text.isEmpty()).collect(Collectors.joining(",")));
        conf.setIfMissing(DYNAMIC, "false").setIfMissing(SPECULATION, "false")
                .setIfMissing("spark.ui.showConsoleProgress", "false");
        if (wholeExecutors) {
            cores(conf).ifPresent(cores -> conf.setIfMissing(TASK_CORES, String.valueOf(cores)));
        }
        return conf;
    }

    /** Executors of a local cluster have this JVM's class path, and start by this JVM's Java. */
    private static void localCluster(SparkConf conf, Matcher local) {
        String home = System.getenv("SPARK_HOME");
        if (home == null || !Files.isDirectory(Path.of(home, "jars"))) {
            throw new OptionError(MASTER, local.group(),
                    "needs the variable SPARK_HOME, the folder of a Spark; bin/eslm "
                            + "sets it in a clone of the sources");
        }
        conf.setIfMissing(EXECUTORS, local.group(1)).setIfMissing(EXECUTOR_CORES, local.group(2))
                .setIfMissing("spark.executor.memory", local.group(3) + "m")
                .setIfMissing("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .setIfMissing("spark.executorEnv.JAVA_HOME", System.getProperty("java.home"))
                .setIfMissing("spark.executorEnv.SPARK_SCALA_VERSION", "2.13")
                .setIfMissing("spark.ui.enabled", "false");
    }

    /** Cores of an executor; empty where the cluster decides. */
    public static Optional<Integer> cores(SparkConf conf) {
        return number(conf, EXECUTOR_CORES)
                .or(() -> conf.get("spark.master").matches("yarn|k8s:.*") ? Optional.of(1) : Optional.empty());
    }

    private static Optional<Integer> number(SparkConf conf, String key) {
        return Arrays.stream(conf.get(key, "").split(",")).filter(text -> text.matches("\\d{1,9}"))
                .map(Integer::valueOf)
                .findFirst();
    }

    /**
     * Starts a session.
     *
     * @param options of a command, with those of {@link #options()}
     * @throws UserError if Spark does not start
     */
    public static Cluster open(DeclaredOptions options, String name, boolean wholeExecutors) {
        return open(settings(name, options.find(MASTER), wholeExecutors));
    }

    /**
     * Starts a session with these settings. One that this JVM has already is taken, and stays.
     *
     * @throws UserError if Spark does not start, or runs in this JVM with settings that contradict these
     */
    static Cluster open(SparkConf conf) {
        Optional<SparkContext> there = OptionConverters.toJava(SparkContext$.MODULE$.getActive());
        there.ifPresent(context -> {
            String contradictions = contradictions(conf, context.getConf());
            UserError.check(contradictions.isEmpty(),
                    "Spark runs in this JVM already, with other settings: %s. Stop that session, or start it with these settings",
                    contradictions);
        });
        try {
            SparkSession.Builder session = SparkSession.builder();
            return new Cluster((there.isPresent() ? session : session.config(conf)).getOrCreate(), there.isEmpty());
        } catch (Exception e) { // Spark's own are checked, and Scala does not say so
            throw new UserError("Spark at " + conf.get("spark.master") + " does not start: " + e.getMessage(), e);
        }
    }

    /** Where a Spark that runs does not have what is asked for; empty if it does. */
    private static String contradictions(SparkConf asked, SparkConf there) {
        return Arrays.stream(asked.getAll()).filter(setting -> !setting._1.matches(NO_MATTER)).map(setting -> {
            String value = there.get(setting._1, USUAL.getOrDefault(setting._1, "not set"));
            // Spark puts its own options before those of the user.
            boolean same = value.equals(setting._2)
                    || setting._1.endsWith("JavaOptions") && value.endsWith(" " + setting._2);
            return same ? "" : setting._1 + " is " + value + ", and must be " + setting._2;
        }).filter(text -> !text.isEmpty()).sorted().collect(Collectors.joining("; "));
    }

    /** The session. */
    public SparkSession session() {
        return session;
    }

    /** The session's context. */
    public JavaSparkContext context() {
        return JavaSparkContext.fromSparkContext(session.sparkContext());
    }

    /** How many executors are asked for; empty where the cluster decides. */
    static Optional<Integer> executors(SparkConf conf) {
        if (conf.get("spark.master").matches("local(\\[.*)?")) {
            return Optional.of(1);
        }
        return number(conf, EXECUTORS).or(() -> number(conf, "spark.cores.max")
                .flatMap(all -> number(conf, EXECUTOR_CORES).map(each -> all / each)));
    }

    @Override
    public void close() {
        if (ours) {
            session.stop();
        }
    }
}
