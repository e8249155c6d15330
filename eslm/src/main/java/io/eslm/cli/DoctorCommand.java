// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Tells what this machine can do. */
@Command(name = "doctor",
        header = "Says what this machine can do, what is missing, and how to get it.",
        description = {"",
            "Looks at Java, memory, cores, backends and their speed, the cache, the default data, and the room on the disk. Each "
                    + "line is ok, a note (it works, but could be better), or a problem. Changes nothing. The exit code is 1 if "
                    + "there is a problem.",
            ""},
        footer = {"", "Example:", "  eslm doctor"})
final class DoctorCommand extends EslmCommand {
    @CommandLine.Option(names = "--json", order = Options.LATE,
            description = "print one JSON object: {\"ok\",\"checks\":[{\"name\",\"state\",\"found\",\"advice\"}]}")
    private boolean json;

    @Override
    protected void declare(CommandSpec command) {
        // no declared options
    }

    @Override
    protected int run(Terminal screen) {
        List<Diagnosis> all = Diagnosis.all(System.getenv());
        boolean problem = all.stream().anyMatch(d -> d.state() == Diagnosis.State.PROBLEM);
        if (json) {
            screen.result(json(all, !problem));
        } else {
            for (Diagnosis d : all) {
                screen.result(String.format(Locale.ROOT, "%-8s %-9s %s", d.state(), d.name(), d.found()));
                if (!d.advice().isEmpty()) {
                    screen.result(" ".repeat(19) + d.advice());
                }
            }
        }
        return problem ? ErrorReport.FAILED : 0;
    }

    private static JsonObject json(List<Diagnosis> all, boolean ok) {
        JsonArray checks = new JsonArray();
        for (Diagnosis d : all) {
            JsonObject o = new JsonObject();
            o.addProperty("name", d.name());
            o.addProperty("state", d.state().toString());
            o.addProperty("found", d.found());
            o.addProperty("advice", d.advice());
            checks.add(o);
        }
        JsonObject object = new JsonObject();
        object.addProperty("ok", ok);
        object.add("checks", checks);
        return object;
    }
}
