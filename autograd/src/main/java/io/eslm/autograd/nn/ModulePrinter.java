// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Parameter;
import java.util.Locale;

/** The text of a module: the tree of its parts and parameters. */
final class ModulePrinter {
    private ModulePrinter() {
    }

    static String text(Module module) {
        return module.getClass().getSimpleName()
                + String.format(Locale.ROOT, ", %,d parameters", module.parameterCount()) + tree(module, "\n  ");
    }

    private static String tree(Module module, String indent) {
        StringBuilder tree = new StringBuilder();
        module.members.forEach((name, member) -> tree.append(indent).append(name).append(member instanceof Module m
                ? ": " + m.getClass().getSimpleName() + String.format(Locale.ROOT, ", %,d", m.parameterCount())
                        + tree(m, indent + "  ")
                : " " + ((Parameter) member).shape()));
        return tree.toString();
    }
}
