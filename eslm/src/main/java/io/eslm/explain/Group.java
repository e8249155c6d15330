// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * Ops that are shown together: a block, or another part of the model, or what runs only to choose tokens.
 *
 * @param name "blocks.3", "head", "early exit", …
 */
record Group(String name, List<OpRecord> ops) {
    /** The groups of a step, in the order of their first op. */
    static List<Group> of(List<OpRecord> ops) {
        Map<String, Group> groups = new LinkedHashMap<>();
        for (OpRecord op : ops) {
            groups.computeIfAbsent(name(op), name -> new Group(name, new ArrayList<>())).ops.add(op);
        }
        return List.copyOf(groups.values());
    }

    private static String name(OpRecord op) {
        return op.phase() == Phase.FORWARD ? top(op.part())
                : op.phase() == Phase.EARLY_EXIT ? "early exit, before the forward pass" : "selection, by another pass";
    }

    private static String top(String part) {
        String[] names = part.split("\\.");
        return names[0].equals("blocks") && names.length > 1 ? names[0] + "." + names[1] : names[0];
    }

    /** What {@code op} is called inside the group. */
    String label(OpRecord op) {
        String inside = op.part().startsWith(name + ".") ? op.part().substring(name.length() + 1) : op.part();
        return inside.equals(name) ? op.name() : inside + "  " + op.name();
    }

    long forward(ToLongFunction<OpRecord.Cost> figure) {
        return ops.stream().map(OpRecord::forward).mapToLong(figure).sum();
    }

    long backward(ToLongFunction<OpRecord.Cost> figure) {
        return ops.stream().map(OpRecord::backward).mapToLong(figure).sum();
    }
}
