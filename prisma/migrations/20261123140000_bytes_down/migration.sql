-- AlterTable
ALTER TABLE "Assignment" ADD COLUMN     "bytesDown" BIGINT NOT NULL DEFAULT 0;
