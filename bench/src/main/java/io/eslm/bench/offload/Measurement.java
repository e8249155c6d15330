// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a run of the benchmark found.
 *
 * @param provenance of the figures, with the load of other programs
 * @param load average of the system when it began; NaN if the system does not tell
 * @param energy what is counted, or why nothing is
 * @param skipped what was not timed, and why
 * @param step a whole training step; null if none was asked for
 */
record Measurement(JsonObject provenance, double load, Rules rules, List<Timed> engines,
        List<Surroundings.Thing> surroundings, String energy, List<Agreement> agreement, List<Cell> cells,
        List<String> skipped, StepView step) {
    /** An engine as the file keeps it. */
    record Timed(String name, String description, int threads, boolean onHost, Roof roof) {
    }

    /** What a curve is called that counts the copies. */
    static String withCopies(String engine) {
        return engine + " with copies";
    }

    /** The kernels, in the order of their first cell. */
    List<String> kernels() {
        return cells.stream().map(Cell::kernel).distinct().toList();
    }

    Timed engine(String name) {
        return engines.stream().filter(e -> e.name().equals(name)).findFirst().orElseThrow();
    }

    double share(Cell cell) {
        return cell.share(engine(cell.engine()).roof());
    }

    /** The curves of a kernel: one for each engine, and one more with copies for those that need them. */
    List<Curve> curves(String kernel) {
        Map<String, Curve> curves = new LinkedHashMap<>();
        for (Cell cell : cells) {
            if (cell.kernel().equals(kernel)) {
                curves.computeIfAbsent(cell.engine(), Curve::new).seconds().put(cell.side(), cell.seconds());
                if (cell.copied() != null) {
                    curves.computeIfAbsent(withCopies(cell.engine()), Curve::new).seconds().put(cell.side(),
                            cell.copied());
                }
            }
        }
        return List.copyOf(curves.values());
    }

    /** Of every kernel and every two of its curves, except those of one engine. */
    List<Crossover> crossovers() {
        List<Crossover> all = new ArrayList<>();
        for (String kernel : kernels()) {
            List<Curve> curves = curves(kernel);
            for (int i = 0; i < curves.size(); i++) {
                for (int j = i + 1; j < curves.size(); j++) {
                    if (!curves.get(j).name().equals(withCopies(curves.get(i).name()))) {
                        Crossover.of(kernel, curves.get(i), curves.get(j)).ifPresent(all::add);
                    }
                }
            }
        }
        return all;
    }

    Optional<Cell> cell(String kernel, int side, String engine) {
        return cells.stream().filter(c -> c.kernel().equals(kernel) && c.side() == side && c.engine().equals(engine))
                .findFirst();
    }

    String processor() {
        return provenance.getAsJsonObject("machine").get("processor").getAsString();
    }

    /** The same kernels, with the provenance of all and a step. */
    Measurement with(JsonObject ofAll, StepView view) {
        return new Measurement(ofAll, load, rules, engines, surroundings, energy, agreement, cells, skipped, view);
    }

    boolean isRight() {
        return agreement.stream().allMatch(Agreement::isRight);
    }
}
