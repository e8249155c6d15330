// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.management.OperatingSystemMXBean;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Processor;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;

/**
 * What a measured figure depends on beside its settings: the program and the machine. Every figure that the program prints or
 * writes comes with it.
 *
 * @param version of the program; "(unpackaged)" outside its jar
 * @param commit that it was built from: 40 digits, with "-dirty" if files had changed since, or "unknown"
 * @param date of the measurement
 * @param machine the fields of {@code machine} in a run's configuration
 */
public record Provenance(String version, String commit, Instant date, JsonObject machine) {
    /** Of what is measured now on {@code backend}. */
    public static Provenance of(Backend backend) {
        return new Provenance(programVersion(), programCommit(), Instant.now().truncatedTo(ChronoUnit.SECONDS),
                machineOf(backend));
    }

    /** The program and its version. */
    public String program() {
        return "eslm " + version;
    }

    static String programVersion() {
        String version = Provenance.class.getPackage().getImplementationVersion();
        return version == null ? "(unpackaged)" : version;
    }

    static String programCommit() {
        try (InputStream in = Provenance.class.getResourceAsStream("commit.txt")) {
            return in == null ? "unknown" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException _) {
            return "unknown";
        }
    }

    /** The backend and the machine. Memory in gigabytes of 10⁹ bytes; vector_bits is 0 for plain loops. */
    static JsonObject machineOf(Backend backend) {
        JsonObject machine = new JsonObject();
        machine.addProperty("backend", backend.name());
        machine.addProperty("device", backend.description());
        machine.addProperty("arithmetic", backend.arithmetic());
        machine.addProperty("vector_bits", backend.vectorBits());
        machine.addProperty("processor", Processor.name());
        machine.addProperty("cores", Runtime.getRuntime().availableProcessors());
        machine.addProperty("memory_gb",
                gigabytes(ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean os
                        ? os.getTotalMemorySize() : 0));
        machine.addProperty("heap_gb", gigabytes(Runtime.getRuntime().maxMemory()));
        machine.addProperty("java", Runtime.version().toString());
        JsonArray flags = new JsonArray();
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(Provenance::matters)
                .forEach(flags::add);
        machine.add("jvm_flags", flags);
        JsonArray collectors = new JsonArray();
        ManagementFactory.getGarbageCollectorMXBeans().stream().map(GarbageCollectorMXBean::getName)
                .forEach(collectors::add);
        machine.add("collectors", collectors);
        machine.addProperty("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        return machine;
    }

    /** Heap, collector, compiler and vector width: whatever can change a speed. Not paths, which name the user's folders. */
    static boolean matters(String flag) {
        return (flag.startsWith("-XX:") || flag.matches("-X(m[snx].*|ss.*|int|comp|mixed|batch)"))
                && !flag.contains("/")
                && !flag.contains("\\");
    }

    private static double gigabytes(long bytes) {
        return Math.round(bytes * 1e-8) / 10.0;
    }

    /**
     * The record as JSON.
     *
     * @param otherLoad share of the CPU that other programs used during the measurement, from 0 to 1; NaN if unknown
     */
    public JsonObject json(double otherLoad) {
        JsonObject o = new JsonObject();
        o.addProperty("program", program());
        o.addProperty("commit", commit);
        o.addProperty("date", date.toString());
        o.add("other_load", Json.number(otherLoad));
        o.add("machine", machine);
        return o;
    }

    /** The record as a line for people, without the load: see {@link #load}. */
    public String line() {
        return line(json(Double.NaN));
    }

    /** How much other programs disturbed, as a line for people. */
    public static String load(double otherLoad) {
        return Double.isNaN(otherLoad) ? "how much of the CPU other programs used is unknown"
                : String.format(Locale.ROOT, "other programs used %.0f %% of the CPU meanwhile", 100 * otherLoad);
    }

    /** {@link #line()} of a record that {@link #json} made earlier. */
    public static String line(JsonObject record) {
        JsonObject machine = record.getAsJsonObject("machine");
        List<String> flags = machine.getAsJsonArray("jvm_flags").asList().stream().map(f -> f.getAsString()).toList();
        return String.format(Locale.ROOT, "%s, commit %s; JDK %s%s; %s, %s cores, %s GB; %s; %s",
                record.get("program").getAsString(), shortened(record.get("commit").getAsString()),
                machine.get("java").getAsString(), flags.isEmpty() ? "" : " " + String.join(" ", flags),
                machine.get("processor").getAsString(), machine.get("cores").getAsString(),
                machine.get("memory_gb").getAsString(), machine.get("device").getAsString(),
                record.get("date").getAsString());
    }

    private static String shortened(String commit) {
        return commit.replaceFirst("^([0-9a-f]{12})[0-9a-f]+", "$1");
    }
}
