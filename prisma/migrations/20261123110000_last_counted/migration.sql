-- CreateIndex
CREATE INDEX "Assignment_runId_siteId_baseVersion_idx" ON "Assignment"("runId", "siteId", "baseVersion");
