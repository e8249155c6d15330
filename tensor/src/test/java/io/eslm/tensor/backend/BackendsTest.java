// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import org.junit.jupiter.api.Test;

class BackendsTest {
    @Test
    void aBackendThatIsNotBuiltSaysHowToGetIt() {
        String message = assertThrows(UserError.class, () -> Backends.open("tornado", 0)).getMessage();
        assertTrue(message.contains("'tornado'") && message.contains("SDK 5.2.0") && message.contains("TORNADOVM_HOME"),
                message);
        assertEquals(1, Backends.all().stream().filter(p -> p.name().equals("tornado")).count());
    }

    @Test
    void anUnknownOneGetsTheNamesOfAll() {
        String message = assertThrows(UserError.class, () -> Backends.open("abacus", 0)).getMessage();
        assertEquals("backend abacus: no such backend. Choose one of auto, vector, scalar, tornado", message);
    }

    @Test
    void oneThatIsRequiredIsOpened() {
        try (Backend backend = Backends.require("vector")) {
            assertEquals("vector", backend.name());
        }
        assertThrows(UserError.class, () -> Backends.require("tornado"));
        assertEquals("threads -1: must be 0 (all cores) or more",
                assertThrows(UserError.class, () -> Backends.open("auto", -1)).getMessage());
    }
}
