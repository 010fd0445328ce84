-- AlterTable
ALTER TABLE "Run" ADD COLUMN     "writtenBy" TEXT;
